import type { Signal } from '@preact/signals'
import { useId } from 'preact/hooks'
import { call } from './softphone.ts'
import {
  microphone,
  microphones,
  openMicrophone,
  type SoundDevice,
  speaker,
  speakers,
  useSpeaker,
} from './softphone-sound.ts'

/** Which microphone and speaker are used; a change is heard at once, in a call too. */
export function SoundDevices() {
  const changeMicrophone = async () => {
    const talked = call.value
    if (talked?.state.value === 'talks') await talked.speaksAnew(await openMicrophone())
  }
  return (
    <section class="card" aria-labelledby="devices">
      <h2 id="devices">Devices</h2>
      <div class="fill">
        <Chosen
          label="Microphone"
          devices={microphones.value}
          chosen={microphone}
          change={changeMicrophone}
        />
        <Chosen label="Speaker" devices={speakers.value} chosen={speaker} change={useSpeaker} />
      </div>
    </section>
  )
}

interface ChosenOf {
  readonly label: string
  readonly devices: readonly SoundDevice[]
  readonly chosen: Signal<string>
  readonly change: () => Promise<void>
}

function Chosen({ label, devices, chosen, change }: ChosenOf) {
  const id = useId()
  const pick = (event: Event) => {
    chosen.value = (event.currentTarget as HTMLSelectElement).value
    void change()
  }
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={chosen.value} onChange={pick}>
        <option value="">The browser’s choice</option>
        {devices.map((device) => (
          <option key={device.id} value={device.id}>
            {device.label}
          </option>
        ))}
      </select>
    </div>
  )
}
